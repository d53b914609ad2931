/** Those who read the database now, and a door that keeps the next ones waiting while it is opened anew. */
export interface Readers {
  /** Does the work when the door is open. Work must not wait for work that comes through the same door. */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Shuts the door and waits until nobody reads; the result opens it again. One at a time. */
  shut(): Promise<() => void>
}

export function createReaders(): Readers {
  let inside = 0
  let door: Promise<void> | undefined
  let left: (() => void) | undefined
  return {
    async run(work) {
      while (door) await door
      inside++
      try {
        return await work()
      } finally {
        inside--
        if (inside === 0) left?.()
      }
    },
    async shut() {
      let open = (): void => undefined
      door = new Promise((resolve) => {
        open = resolve
      })
      if (inside > 0)
        await new Promise<void>((resolve) => {
          left = resolve
        })
      left = undefined
      return () => {
        door = undefined
        open()
      }
    },
  }
}
