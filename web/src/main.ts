import "./style/tokens.css";
import "./style/base.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { followUrl } from "./commands/navigate";
import { begin } from "./service/follow";
import { app } from "./state/app.svelte";

const target = document.getElementById("app");
if (!target) throw new Error("index.html has no element with id app");
addEventListener("popstate", followUrl);
addEventListener("hashchange", followUrl);
setInterval(() => (app.now = Date.now()), 1000);
mount(App, { target });
begin();
