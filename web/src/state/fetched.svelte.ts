// One thing that is fetched, and how it stands: for parts that look at something of their own.
import { Refusal } from "../service/client";

export class Fetched<T> {
  value = $state.raw<T | null>(null);
  status = $state<"waiting" | "there" | "missing" | "failed">("waiting");
  private asked = 0;

  /** Fetches; an answer that comes after a later question is dropped. What was there stays until the new one comes. */
  async ask(fetching: () => Promise<T>): Promise<void> {
    const number = ++this.asked;
    try {
      const value = await fetching();
      if (number === this.asked) [this.value, this.status] = [value, "there"];
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (number !== this.asked) return;
      this.status = error.status === 404 ? "missing" : "failed";
      if (this.status === "missing") this.value = null;
    }
  }

  forget(): void {
    this.asked += 1;
    [this.value, this.status] = [null, "waiting"];
  }
}
