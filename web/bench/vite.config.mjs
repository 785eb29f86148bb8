import { fileURLToPath } from "node:url";
import { defineConfig, mergeConfig } from "vite";
import page from "../vite.config";

// The map alone, built like the page: `vite build --config bench/vite.config.mjs --outDir FOLDER`.
export default mergeConfig(page, defineConfig({ root: fileURLToPath(new URL(".", import.meta.url)), base: "./" }));
