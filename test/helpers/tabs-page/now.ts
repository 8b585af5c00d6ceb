/** ms, on a clock that the tabs of one machine share. */
export const now = (): number => performance.timeOrigin + performance.now()
