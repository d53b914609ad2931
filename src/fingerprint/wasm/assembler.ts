/**
 * A small assembler for WebAssembly with 128-bit vectors. The kernels are written as TypeScript that emits instructions, so that
 * loops over registers unroll themselves and no compiler is needed. Only what the kernels use is here; numbers are those of the
 * WebAssembly specification. All these instructions are exact or IEEE: the same bytes in give the same bytes out on every machine.
 */

/** Machine code of an expression: it leaves its value on the stack. */
export type Code = readonly number[]
export type ValueType = 'i32' | 'v128'

const VALUE_TYPES: Record<ValueType, number> = { i32: 0x7f, v128: 0x7b }

function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  do {
    const more = rest > 127
    bytes.push((rest & 127) | (more ? 128 : 0))
    rest >>>= 7
  } while (rest > 0)
  return bytes
}

function signed(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (;;) {
    const byte = rest & 127
    rest >>= 7
    const last = (rest === 0 && (byte & 64) === 0) || (rest === -1 && (byte & 64) !== 0)
    bytes.push(last ? byte : byte | 128)
    if (last) return bytes
  }
}

const vector = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()]
const section = (id: number, body: Code): number[] => [id, ...unsigned(body.length), ...body]
const name = (text: string): number[] => vector([...text].map((letter) => [letter.charCodeAt(0)]))

/** A local variable of a function. */
export class Local {
  readonly get: Code
  readonly #index: Code

  constructor(index: number) {
    this.#index = unsigned(index)
    this.get = [0x20, ...this.#index]
  }

  set(value: Code): number[] {
    return [...value, 0x21, ...this.#index]
  }

  /** Adds a constant to an i32. */
  step(by: number): number[] {
    return this.set(i32.add(this.get, i32.constant(by)))
  }
}

const prefixed = (opcode: number): number[] => [0xfd, ...unsigned(opcode)]
const unary =
  (opcode: Code) =>
  (a: Code): number[] => [...a, ...opcode]
const binary =
  (opcode: Code) =>
  (a: Code, b: Code): number[] => [...a, ...b, ...opcode]
/** Memory access: alignment hint 0, then a constant offset. */
const load =
  (opcode: number) =>
  (address: Code, offset = 0): number[] => [...address, ...prefixed(opcode), 0, ...unsigned(offset)]

export const i32 = {
  constant: (value: number): number[] => [0x41, ...signed(value)],
  add: binary([0x6a]),
  mul: binary([0x6c]),
}

export const v128 = {
  load: load(0),
  load32Zero: load(92),
  /** Eight bytes as eight unsigned 16-bit lanes. */
  load8x8: load(2),
  store: (address: Code, value: Code, offset = 0): number[] => [...address, ...value, ...prefixed(11), 0, ...unsigned(offset)],
}

export const i16x8 = {
  widenLow8: unary(prefixed(137)),
  widenHigh8: unary(prefixed(138)),
  add: binary(prefixed(142)),
  sub: binary(prefixed(145)),
}

export const i32x4 = {
  splat: unary(prefixed(17)),
  widenLow16: unary(prefixed(167)),
  widenHigh16: unary(prefixed(168)),
  add: binary(prefixed(174)),
  /** Products of 16-bit lanes, neighbours added. */
  dot16: binary(prefixed(186)),
}

function floatBytes(value: number): number[] {
  return [...new Uint8Array(new Float32Array([value]).buffer)]
}

export const f32x4 = {
  constant: (value: number): number[] => [...prefixed(12), ...Array.from({ length: 4 }, () => floatBytes(value)).flat()],
  add: binary(prefixed(228)),
  sub: binary(prefixed(229)),
  mul: binary(prefixed(230)),
  fromInt: unary(prefixed(250)),
}

/** Picks 32-bit lanes 0..3 of `a` and 4..7 of `b`. */
export function shuffle32(a: Code, b: Code, lanes: readonly number[]): number[] {
  return [...a, ...b, ...prefixed(13), ...lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte))]
}

/** Runs `body` until the i32 `counter`, which must begin above zero, has been counted down to zero. */
export function countDown(counter: Local, body: Code): number[] {
  return [0x03, 0x40, ...body, ...counter.step(-1), ...counter.get, 0x0d, 0, 0x0b]
}

/** One function being written: i32 parameters, no result. */
export class Procedure {
  readonly name: string
  readonly params: Local[]
  readonly #locals: ValueType[] = []
  readonly #code: Code[] = []

  constructor(name: string, params: number) {
    this.name = name
    this.params = Array.from({ length: params }, (_, i) => new Local(i))
  }

  local(type: ValueType): Local {
    return new Local(this.params.length + this.#locals.push(type) - 1)
  }

  emit(...code: Code[]): void {
    this.#code.push(...code)
  }

  get body(): number[] {
    const locals = vector(this.#locals.map((type) => [1, VALUE_TYPES[type]]))
    const bytes = [...locals, ...this.#code.flat(), 0x0b]
    return [...unsigned(bytes.length), ...bytes]
  }
}

/** A module that exports its procedures and a memory of so many pages of 64 KiB. */
export function moduleOf(procedures: readonly Procedure[], pages: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(procedures.map(({ params }) => [0x60, ...vector(params.map(() => [VALUE_TYPES.i32])), 0]))),
    ...section(3, vector(procedures.map((_, i) => unsigned(i)))),
    ...section(5, vector([[0, ...unsigned(pages)]])),
    ...section(
      7,
      vector([[...name('memory'), 2, 0], ...procedures.map((procedure, i) => [...name(procedure.name), 0, ...unsigned(i)])]),
    ),
    ...section(10, vector(procedures.map(({ body }) => body))),
  ])
}

/** Starts a module; `run` calls one of its procedures. */
export function start(bytes: Uint8Array<ArrayBuffer>): { memory: ArrayBuffer; run: (name: string, ...args: number[]) => void } {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes))
  const memory = exports.memory
  if (!(memory instanceof WebAssembly.Memory)) throw new TypeError('a kernel without memory')
  return {
    memory: memory.buffer,
    run: (procedure, ...args) => {
      const entry = exports[procedure]
      if (typeof entry === 'function') entry(...args)
    },
  }
}
