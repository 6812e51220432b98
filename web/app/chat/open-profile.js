// The cards of members and one's own menu, as the parts of the page that only open them need them.
import { later } from "../lazy.js";

const load = () => import("./profile.js");

/** (anchor, username) */
export const openProfile = later(load, "openProfile");
/** (anchor) */
export const openOwnMenu = later(load, "openOwnMenu");
