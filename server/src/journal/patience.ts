/** Limits of the journal's writer. */
export const patience = {
  /** A commit that takes longer than this many ms no longer holds up those who come after it. */
  besideMs: 300,
  /** What the database is given to say that it is there. */
  probeMs: 900,
  /** A commit that takes longer than this has the time it needs, and no place among the quick ones. */
  slowMs: 1_200,
  /** Whose edits wait for longer than this must hear of it (R5.5): later than the database itself is found to be away. */
  tellMs: 1_250,
  /** How often it is looked who waits for too long. */
  lookMs: 200,
  batch: { updates: 5_000, bytes: 8 * 1024 * 1024 },
  /** As much of one document is not committed together with others. */
  largePortionBytes: 1024 * 1024,
}
