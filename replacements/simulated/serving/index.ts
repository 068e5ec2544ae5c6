export { type ChatService, type ChatServiceOptions, openChatService } from './chat-service.js';
export { errorReply, type Reply, RequestRefused } from './refusal.js';
