/** How long the answers of a route are kept; only for what is the same for everybody. */
export interface CacheRule {
  /** Fresh for so long; 0: not kept at all, but equal requests at the same time still become one. */
  readonly maxAgeS: number
  /** So much longer it is shown once more while it is renewed (RFC 5861, section 3). */
  readonly staleS: number
  /** So much longer than fresh it is shown when the service fails (RFC 5861, section 4). */
  readonly staleIfErrorS: number
  /** What empties it; `:name` stands for that segment of the path, decoded and in lower case. */
  readonly tags: readonly string[]
  /** The query parameters that the service knows; a request with any other is passed on as it is. */
  readonly query: readonly string[]
}

/** The tags of a rule with the segments of a path filled in. @throws URIError for a path that cannot be decoded */
export function tagsOf(tags: readonly string[], { template, path }: { template: string; path: string }): string[] {
  const names = template.split('/')
  const segments = path.split('/')
  return tags.map((tag) =>
    tag.replace(/:(\w+)$/, (name) => decodeURIComponent(segments[names.indexOf(name)] ?? '').toLowerCase()),
  )
}
