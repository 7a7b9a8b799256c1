import { once } from 'node:events'
import { connect } from 'node:net'

/**
 * Why tests of a service can't run: a sentence for `skip`, or false when it answers. With REQUIRE_SERVICES=1 an absent
 * one is an error.
 */
export async function absent(name: string, { host, port }: { host: string; port: number }): Promise<string | false> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
    return false
  } catch {
    const reason = `${name} does not answer at ${host}:${port}; start it with .ci/services/${name}`
    if (process.env.REQUIRE_SERVICES === '1') throw new Error(reason)
    return reason
  } finally {
    socket.destroy()
  }
}

const {
  REDIS_HOST = 'localhost',
  REDIS_PORT = '6379',
  RABBITMQ_URL = 'amqp://guest:guest@localhost:5672/',
} = process.env

/** Where the tests' Redis is. */
export const redisAt = { host: REDIS_HOST, port: Number(REDIS_PORT) }

/** Where the tests' RabbitMQ is. */
export const rabbitAt = { host: new URL(RABBITMQ_URL).hostname, port: Number(new URL(RABBITMQ_URL).port || 5672) }

/** The tests' broker, reached at another port of this machine where one is given. */
export function rabbitUrl(port?: number): string {
  const url = new URL(RABBITMQ_URL)
  if (port !== undefined) url.host = `127.0.0.1:${port}`
  return url.href
}
