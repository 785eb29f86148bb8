// Values of all elements, with what the headers of the answer say of them.
import { decodeValues, type Values as Bands } from "../map/decode";

export interface Values extends Bands {
  readonly quantity: string;
  /** What time these are of. */
  readonly end: string;
  /** End of the cycle after which they were believed. */
  readonly made: string;
  readonly kind: "past" | "now" | "forecast";
}

/** `GET /api/values`. */
export function labelled(bytes: ArrayBuffer, quantity: string, headers: Headers): Values {
  const kind = headers.get("Tweeling-Kind");
  return {
    ...decodeValues(bytes, Math.floor(bytes.byteLength / 16)),
    quantity,
    end: headers.get("Tweeling-End") ?? "",
    made: headers.get("Tweeling-Made") ?? "",
    kind: kind === "past" || kind === "forecast" ? kind : "now",
  };
}
