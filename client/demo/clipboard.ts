/** @param place where a text may stand for a moment; a modal dialog takes the focus back from anything outside it */
export async function copyToClipboard(text: string, place: HTMLElement): Promise<string> {
  try {
    await navigator.clipboard.writeText(text)
    return 'The text is in the clipboard.'
  } catch {
    // missing where the page is not served from a secure origin
    return copyTheOldWay(text, place) ? 'The text is in the clipboard.' : 'The browser did not let this page copy.'
  }
}

function copyTheOldWay(text: string, place: HTMLElement): boolean {
  const before = document.activeElement
  const area = document.createElement('textarea')
  area.className = 'visually-hidden'
  area.value = text
  place.append(area)
  area.select()
  const copied = document.execCommand('copy')
  area.remove()
  if (before instanceof HTMLElement) before.focus()
  return copied
}
