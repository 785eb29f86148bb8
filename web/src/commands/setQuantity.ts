import { navigate } from "./navigate";

/** Which quantity map, legend and table show. */
export function setQuantity(quantity: string): void {
  navigate({ quantity });
}
