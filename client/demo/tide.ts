const width = 2400
const wave = 48

/** Draws the water line under the header. The style sheet moves it: flat when all is saved, rippling while edits travel. */
export function drawTide(place: SVGSVGElement): void {
  place.setAttribute('viewBox', `0 0 ${width} 16`)
  place.setAttribute('preserveAspectRatio', 'xMinYMid slice')
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  const crests = Array.from({ length: width / wave + 2 }, () => `q ${wave / 4} -5 ${wave / 2} 0 t ${wave / 2} 0`)
  path.setAttribute('d', `M ${-wave} 8 ${crests.join(' ')}`)
  place.replaceChildren(path)
}
