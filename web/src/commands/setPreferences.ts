import { app } from "../state/app.svelte";
import { type Preferences, savePreferences } from "../state/preferences";
import { navigate } from "./navigate";

/** What a person likes; kept in the browser, the language in the URL as well. */
export function setPreferences(part: Partial<Preferences>): void {
  app.preferences = { ...app.preferences, ...part };
  savePreferences(app.preferences);
  if (part.language) navigate({ language: part.language });
}

export const toggleTheme = (): void => setPreferences({ theme: app.preferences.theme === "dark" ? "light" : "dark" });
export const toggleLanguage = (): void => setPreferences({ language: app.route.language === "en" ? "nl" : "en" });
