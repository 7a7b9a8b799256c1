import type { Exchange } from '../exchange.ts'
import { type Channel, openChannel } from './channels.ts'
import type { Payload } from './frames.ts'

/** A client's connection, as the hub needs it. */
export type Session = {
  /** Whether frames are wrapped as `{"stream":…,"data":…}`. */
  combined: boolean
  /** 1 for times in ms, 1000 for µs. */
  scale: number
  streams: Set<string>
  /** Whether it is the second, fourth … connection since the start. */
  even: boolean
  send(frame: Buffer): void
}

/** A frame on its way out. `mangle` spoils the finished text; `sparesEven` keeps it from every second connection. */
export type Frame = { channel: Channel; payload: Payload; mangle?: (text: string) => string; sparesEven?: boolean }

type Room = { channel: Channel | undefined; sessions: Set<Session>; ready: boolean; pumpedTo: number }

/** Writes a frame once for each form in which somebody wants it. */
const writer = ({ channel, payload, mangle }: Frame): ((session: Session) => Buffer) => {
  const forms = new Map<string, Buffer>()
  return ({ combined, scale }) => {
    const key = `${combined} ${scale}`
    const known = forms.get(key)
    if (known) return known
    const body = payload(scale)
    const whole = combined ? `{"stream":"${channel.name}","data":${body}}` : body
    const frame = Buffer.from(mangle ? mangle(whole) : whole)
    forms.set(key, frame)
    return frame
  }
}

/**
 * Knows which session listens to which stream. A stream runs only while somebody listens. `alter` may drop, repeat or
 * spoil frames on their way out.
 */
export const createHub = (exchange: Exchange, alter: (frame: Frame) => readonly Frame[]) => {
  const rooms = new Map<string, Room>()

  const openRoom = (name: string): Room => {
    const now = exchange.clock.now()
    const channel = openChannel(exchange, name, now)
    const room: Room = { channel, sessions: new Set(), ready: channel?.ready === undefined, pumpedTo: now }
    rooms.set(name, room)
    channel?.ready?.then(() => {
      room.ready = true
    })
    return room
  }

  const deliver = (room: Room, frame: Frame): void => {
    const write = writer(frame)
    for (const session of room.sessions) if (!frame.sparesEven || !session.even) session.send(write(session))
  }

  return {
    join(session: Session, name: string): void {
      const room = rooms.get(name) ?? openRoom(name)
      room.sessions.add(session)
      session.streams.add(name)
    },
    leave(session: Session, name: string): void {
      session.streams.delete(name)
      const room = rooms.get(name)
      if (room?.sessions.delete(session) && room.sessions.size === 0) rooms.delete(name)
    },
    /** Lets every stream send what it has for the time up to `now`. */
    pump(now: number): void {
      for (const room of rooms.values()) {
        if (!room.channel || !room.ready || now <= room.pumpedTo) continue
        for (const payload of room.channel.pump(room.pumpedTo, now)) {
          for (const frame of alter({ channel: room.channel, payload })) deliver(room, frame)
        }
        room.pumpedTo = now
      }
    },
    /** Resolves when every stream that was joined has its history at hand. */
    async ready(): Promise<void> {
      await Promise.all([...rooms.values()].map((room) => room.channel?.ready))
    },
    streams: (): number => rooms.size,
  }
}

export type Hub = ReturnType<typeof createHub>
