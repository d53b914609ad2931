import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../src/config/load.ts'
import { configText } from '../../src/config/template.ts'

// What an operator copies: files that name each other must not drift apart.

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

describe('the compose file', () => {
  const { services, volumes } = parse(read('ops/compose.yaml')) as {
    services: Record<string, { image: string; ports?: string[]; volumes?: string[]; environment?: Record<string, string> }>
    volumes: Record<string, unknown>
  }

  it('mounts only files that are there, and volumes that it declares', () => {
    for (const { volumes: mounts = [] } of Object.values(services))
      for (const mount of mounts) {
        const [from = ''] = mount.split(':')
        if (!from.startsWith('.')) expect(Object.keys(volumes)).toContain(from)
        // The operator's own folder.
        else if (from !== './config') expect(existsSync(join(root, 'ops', from)), from).toBe(true)
      }
  })

  it('opens nothing but the port of gossip to other machines, and pins every image', () => {
    for (const [name, { ports = [], image }] of Object.entries(services)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$|^7935:7935$/)
      if (name !== 'fisherman') expect(image).toMatch(/:v?\d+\.\d+\.\d+$/)
    }
  })

  it('lets others come in at the port that it opens, with what init writes', () => {
    const text = configText({
      ...{ network: 'local', mode: 'observe', dataDir: '/data', rpc: ['http://a'], deployment: '/config/deployment.json' },
      ...{ feeds: [], bootstrap: [], httpPort: 7936 },
    })
    const { environment, ports } = services.fisherman ?? {}
    const { gossip, http } = readConfig({ file: '/config/fisherman.yaml', text, env: environment ?? {} }).config
    expect(ports).toContain('7935:7935')
    expect(gossip.listen).toEqual(['/ip4/0.0.0.0/tcp/7935'])
    expect([http.host, http.port]).toEqual(['0.0.0.0', 7936])
  })

  it('is scraped where it listens', () => {
    const { scrape_configs } = parse(read('ops/prometheus/prometheus.yml')) as {
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[]
    }
    expect(scrape_configs.map(({ job_name }) => job_name)).toEqual(['fisherman'])
    expect(scrape_configs[0]?.static_configs[0]?.targets).toEqual(['fisherman:7936'])
    expect(read('Dockerfile')).toContain('EXPOSE 7935 7936')
    // It scrapes from another container, without a token; the port is published on the loopback only.
    expect(services.fisherman?.environment).toMatchObject({ FISHERMAN_HTTP_OPEN_METRICS: 'true' })
  })
})

/** What a unit puts before the file of the configuration; commands that are typed beside it do not have it. */
const variablesOf = (unit: string) => [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, all = '']) => all.split(' '))

describe('the systemd unit', () => {
  const unit = read('ops/systemd/fisherman.service')
  it('starts the program that there is, with room to end, as the least urgent work and without rights', () => {
    const [, program = ''] = /^ExecStart=\S+ \/opt\/fisherman\/(\S+) run --config/m.exec(unit) ?? []
    expect(existsSync(join(root, program))).toBe(true)
    expect(unit).toMatch(/^ExecReload=.*-HUP/m)
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThanOrEqual(30)
    expect(unit).toMatch(/^NoNewPrivileges=yes$/m)
    expect(unit).toMatch(/^Nice=10$/m)
  })
  it.each(['fisherman', 'fisherman-idle'])('%s works where the file says, as commands beside it do', (name) => {
    const text = read(`ops/systemd/${name}.service`)
    expect(variablesOf(text).filter((one) => one.startsWith('FISHERMAN_'))).toEqual([])
    expect(text).toMatch(/^ReadWritePaths=\/var\/lib\/fisherman$/m)
    expect(text).toMatch(/^#.*--data-dir \/var\/lib\/fisherman|^#.*dataDir: \/var\/lib\/fisherman/m)
  })
  it('has a timer beside it that publishes who earns without working, with options that there are', () => {
    const service = read('ops/systemd/fisherman-idle.service')
    const [, program = '', options = ''] = /^ExecStart=\S+ \/opt\/fisherman\/(\S+) idle (.*)$/m.exec(service) ?? []
    expect(existsSync(join(root, program))).toBe(true)
    const declared = read('src/cli/idle.options.ts') + read('src/cli/place.options.ts')
    for (const option of options.match(/--[a-z-]+/g) ?? ['none']) expect(declared).toContain(`'${option}`)
    expect(service).toMatch(/^NoNewPrivileges=yes$/m)
    expect(read('ops/systemd/fisherman-idle.timer')).toMatch(/^OnCalendar=/m)
  })
})
