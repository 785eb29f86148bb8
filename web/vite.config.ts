import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// The service serves the page as files: names with a hash for ever, index.html anew each time. No inline script or style
// is allowed by its content-security policy, so nothing may be inlined here.
export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "../src/tweeling/service/page",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    chunkSizeWarningLimit: 1200, // the map library is one part, fetched when a map is shown; kB before compression
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/health": "http://127.0.0.1:8080" } },
});
