/** A refusal in the exchange's own words: HTTP status and body `{code, msg}`. */
export class RestError extends Error {
  readonly status: number
  readonly code: number
  constructor(status: number, code: number, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

const bad = (code: number, message: string): RestError => new RestError(400, code, message)

export const errors = {
  symbol: () => bad(-1121, 'Invalid symbol.'),
  interval: () => bad(-1120, 'Invalid interval.'),
  missing: (name: string) => bad(-1102, `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`),
  empty: (name: string) => bad(-1105, `Parameter '${name}' was empty.`),
  illegal: (name: string, range: string) =>
    bad(-1100, `Illegal characters found in parameter '${name}'; legal range is '${range}'.`),
  twice: () => bad(-1101, 'Duplicate values for a parameter detected.'),
  unread: (read: number, sent: number) =>
    bad(-1104, `Not all sent parameters were read; read '${read}' parameter(s) but was sent '${sent}'.`),
  tooMany: (expected: number, received: number) =>
    bad(-1101, `Too many parameters; expected '${expected}' and received '${received}'.`),
  value: (name: string) => bad(-1130, `Data sent for parameter '${name}' is not valid.`),
  combination: () => bad(-1128, 'Combination of optional parameters invalid.'),
  status: () => bad(-1220, "The symbol's status does not match the requested symbolStatus."),
  signature: () => bad(-1022, 'Signature for this request is not valid.'),
  window: () => bad(-1021, 'Timestamp for this request is outside of the recvWindow.'),
  ahead: () => bad(-1021, "Timestamp for this request was 1000ms ahead of the server's time."),
  wideWindow: () => bad(-1131, 'recvWindow must be less than 60000.'),
  keyFormat: () => new RestError(401, -2014, 'API-key format invalid.'),
  key: () => new RestError(401, -2015, 'Invalid API-key, IP, or permissions for action.'),
  down: () =>
    new RestError(503, -1008, 'Server is currently overloaded with other requests. Please try again in a few minutes.'),
  unexpected: () => new RestError(500, -1000, 'An unknown error occurred while processing the request.'),
}
