/** Who has a document open on this server now. */
export interface LiveDocuments {
  sessions(documentName: string): readonly LiveSession[]
  /** As many as {@link sessions} would list. */
  count(documentName: string): number
}

export interface LiveSession {
  readonly userId: string
  readonly userName: string | null
  /** Unix ms. */
  readonly since: number
}
