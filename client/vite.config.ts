import { defineConfig, type Plugin } from 'vite'

const server = process.env.TIDEMARK_SERVER ?? 'http://127.0.0.1:4321'

/** The demo: client/demo → client/demo/dist, which the server serves at `/` and at `/d/<document>`. */
export default defineConfig({
  root: `${import.meta.dirname}/demo`,
  base: '/',
  plugins: [shellFiles()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // what the style sheets use: light-dark(), popover, color-mix()
    target: ['chrome123', 'firefox125', 'safari17.5'],
    // the page's content policy is `'self'`: nothing inline, no data: URLs
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      input: {
        index: `${import.meta.dirname}/demo/index.html`,
        'service-worker': `${import.meta.dirname}/demo/service-worker.ts`,
      },
      output: {
        // a worker's scope is its folder, and its address has to stay the same from build to build
        entryFileNames: ({ name }) => (name === 'service-worker' ? 'service-worker.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  server: {
    proxy: { '/api': server, '/sync': { target: server, ws: true } },
  },
})

/** Tells the service worker which files this build has. */
function shellFiles(): Plugin {
  return {
    name: 'tidemark-shell-files',
    apply: 'build',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const worker = bundle['service-worker.js']
      if (worker?.type !== 'chunk') return
      const files = Object.keys(bundle).filter((file) => file.startsWith('assets/') && !file.endsWith('.map'))
      const list = ['/favicon.svg', ...files.map((file) => `/${file}`)].sort()
      worker.code = `const SHELL_FILES = ${JSON.stringify(list)};\n${worker.code}`
    },
  }
}
