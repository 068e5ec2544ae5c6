export function bundled(source: URL, cache?: string): Promise<string>;
