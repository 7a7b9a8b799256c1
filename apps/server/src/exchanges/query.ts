type Query = Readonly<Record<string, string | number>>

/** Percent-encoded as it travels: signatures are made over exactly this text. Keeps the order of the fields. */
export const queryString = (query: Query): string =>
  Object.entries(query)
    .map(([name, value]) => `${encode(name)}=${encode(String(value))}`)
    .join('&')

/** Also the five characters that `encodeURIComponent` leaves and `URL` or an exchange may encode. */
const encode = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
