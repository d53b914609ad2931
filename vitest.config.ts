import { defineConfig } from 'vitest/config'

// Two cores: the heavy suites (real ffmpeg, real sockets, a real chain) take turns instead of fighting each other.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/deep/**'],
    setupFiles: ['test/setup.ts'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
