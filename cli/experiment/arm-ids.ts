/** Ids of the arms of one entry of `simulated`; the plan says them beforehand, the run gives them to its arms. */
export const armIds = {
  rewrite: (name: string, calibration: string, fraction: number, selection: string | null): string =>
    `${name}:${calibration}@${fraction}${selection === null ? '' : `:${selection}`}`,
  shuffled: (name: string, calibration: string): string => `control-shuffled:${name}:${calibration}`,
  silenced: (name: string): string => `control-silenced:${name}`,
};
