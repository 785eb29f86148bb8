import type { Language } from "../state/route";
import { en, type Words } from "./en";
import { nl } from "./nl";

const WORDS: Readonly<Record<Language, Words>> = { en, nl };

export const wordsOf = (language: Language): Words => WORDS[language];
export type { Words } from "./en";
