/** That this browser is somewhere, and what it says of itself there. */
export interface Attendance {
  stream: string;
  data?: Record<string, unknown> | undefined;
}
