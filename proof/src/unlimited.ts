/** For shops of our own under load: everybody comes from one address, as no crowd of customers would. */
export const unlimited = { RATE_LIMITS: 'all=999999/1', MOST_CONNECTIONS_PER_ADDRESS: '10000' } as const
