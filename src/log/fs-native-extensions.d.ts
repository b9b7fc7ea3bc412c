declare module "fs-native-extensions" {
  /** Takes an advisory lock on an open file, which the kernel frees with the process. False: another process has it. */
  export function tryLock(fd: number, options?: { exclusive?: boolean }): boolean;
}
