export function accelerateFileTimes(accelerated: (realMs: number) => number): void;
