// Login by a Rotur account: over to rotur.dev, back with a token, from which api.rotur.dev makes a validator for the key
// of this connection (protocol/clients.md). The only request that the page sends to another host, and only after the
// visitor has chosen this way.
const AUTH_PAGE = "https://rotur.dev/auth";
const VALIDATOR_API = "https://api.rotur.dev/generate_validator";
const INVITE = "originchats:rotur-invite";

export function goToRotur(invite = "") {
  sessionStorage.setItem(INVITE, invite);
  const back = new URL(".", document.baseURI);
  location.assign(`${AUTH_PAGE}?${new URLSearchParams({ return_to: back.href })}`);
}

/** {token, invite} once after coming back, else null; the token leaves the address. One that comes with a link, by which
 *  others could log somebody in as themselves, does not count. */
export function takeRoturToken() {
  const url = new URL(location.href);
  const token = url.searchParams.get("token");
  if (!token) return null;
  url.searchParams.delete("token");
  history.replaceState(null, "", url);
  const invite = sessionStorage.getItem(INVITE); // from before leaving for rotur.dev, in this very tab
  sessionStorage.removeItem(INVITE);
  return invite === null ? null : { token, invite };
}

export async function validatorFor(token, key) {
  let answer;
  try {
    const response = await fetch(`${VALIDATOR_API}?${new URLSearchParams({ key, auth: token })}`, { signal: AbortSignal.timeout(15_000) });
    answer = await response.json();
  } catch {
    throw new Error("Rotur does not answer. Try again later.");
  }
  if (!answer.validator) throw new Error(answer.error ?? "Rotur did not accept the login. Try again.");
  return answer.validator;
}
