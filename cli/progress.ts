import { SingleBar } from 'cli-progress';
import type { Progress } from './experiment/progress.js';

/** Seconds between lines where stderr is no terminal. */
const LINE_EVERY = 10_000;

/** Bars with rate and time left on a terminal; now and then a line elsewhere, so that a log shows life. */
export function terminalProgress(stream: NodeJS.WriteStream, now: () => number): Progress {
  return (stage, total, unit) => {
    const began = now();
    const rate = (done: number) => (done / Math.max(1, now() - began)) * 1000;
    if (!stream.isTTY) {
      let told = began;
      return {
        at(done, note = '') {
          if (now() - told < LINE_EVERY) return;
          told = now();
          const left = Math.round((total - done) / Math.max(rate(done), 1e-9));
          stream.write(`${stage}: ${done}/${total} ${unit}, ${rate(done).toFixed(1)}/s, ${left} s left ${note}\n`);
        },
        end: () => void stream.write(`${stage}: ${total} ${unit} in ${((now() - began) / 1000).toFixed(1)} s\n`),
      };
    }
    const bar = new SingleBar({
      stream,
      format: `${stage} {bar} {value}/{total} ${unit} · {rate}/s · {eta_formatted} left {note}`,
      hideCursor: true,
      clearOnComplete: false,
      barsize: 24,
    });
    bar.start(total, 0, { rate: '–', note: '' });
    let last = 0;
    return {
      at(done, note = '') {
        last = done;
        bar.update(done, { rate: rate(done).toFixed(1), note });
      },
      end() {
        // A stage that was cut short keeps the count it reached.
        bar.update(last, { rate: rate(last).toFixed(1), note: '' });
        bar.stop();
      },
    };
  };
}
