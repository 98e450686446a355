/** The strong entity tag of a resource that counts its changes (RFC 9110, section 8.8.3). */
export const etagOf = ({ version }: { readonly version: number | string }): string => `"${version}"`

/** RFC 9110, section 13.1.1: any listed tag, by strong comparison; without a condition everything matches. */
export const matches = (ifMatch: string | undefined, edited: { readonly version: number | string }): boolean =>
  ifMatch === undefined || ifMatch.trim() === '*' || ifMatch.split(',').some((tag) => tag.trim() === etagOf(edited))
