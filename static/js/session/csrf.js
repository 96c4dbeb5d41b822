// The token that a request which changes something must bring. It is read when it is needed: a login elsewhere makes another.

export function csrf() {
  return /(?:^|; )(?:__Host-)?csrf=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}
