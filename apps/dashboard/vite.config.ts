import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

const server = 'http://localhost:8080'

/** While developing, everything but the page itself comes from a server on 8080. */
export default defineConfig({
  base: './',
  plugins: [vue()],
  build: { outDir: 'dist', emptyOutDir: true, chunkSizeWarningLimit: 600, reportCompressedSize: false },
  server: {
    proxy: {
      '/api': server,
      '/stats': server,
      '/health': server,
      '/ready': server,
      '/ws': { target: server, ws: true },
    },
  },
})
