/** A stage of work that is being watched. */
export interface Bar {
  /** @param note what else to show, e.g. the loss */
  at(done: number, note?: string): void;
  end(): void;
}

/** Announces a stage of `total` steps, counted in `unit`. */
export type Progress = (stage: string, total: number, unit: string) => Bar;

export const silent: Progress = () => ({ at: () => {}, end: () => {} });
