const paths = {
  check: ['M5 12.5l4.5 4.5L19 7.5'],
  waves: [
    'M3 9c2.2-2.6 4.4-2.6 6.6 0s4.4 2.6 6.6 0c1.6-1.9 3.2-2.4 4.8-1.5',
    'M3 16c2.2-2.6 4.4-2.6 6.6 0s4.4 2.6 6.6 0c1.6-1.9 3.2-2.4 4.8-1.5',
  ],
  offline: ['M4 4l16 16', 'M7.2 9.2A5 5 0 0 0 7 19h10', 'M10 6.3A6 6 0 0 1 17.6 11 4 4 0 0 1 20.3 17.2'],
  alert: ['M12 4.5l8.5 15h-17z', 'M12 10.5v4', 'M12 17.2v.1'],
  dots: ['M6 12v.1', 'M12 12v.1', 'M18 12v.1'],
  chevron: ['M7 10l5 5 5-5'],
  eye: ['M3 12c4.5-7 13.5-7 18 0-4.5 7-13.5 7-18 0z', 'M12 12m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0'],
  layers: ['M12 4l8.5 4.5L12 13 3.5 8.5z', 'M3.5 13l8.5 4.5 8.5-4.5'],
  unlock: ['M6 11h12v9H6z', 'M8.5 11V8a3.5 3.5 0 0 1 6.8-1.2'],
  close: ['M6 6l12 12', 'M18 6L6 18'],
  undo: ['M8 5L4 9l4 4', 'M4 9h10a5.5 5.5 0 0 1 0 11h-4'],
  redo: ['M16 5l4 4-4 4', 'M20 9H10a5.5 5.5 0 0 0 0 11h4'],
  bold: ['M7 5h6a3.5 3.5 0 0 1 0 7H7z', 'M7 12h7a3.5 3.5 0 0 1 0 7H7z'],
  italic: ['M10 5h7', 'M7 19h7', 'M14 5l-4 14'],
  'heading-1': ['M4 6v12', 'M12 6v12', 'M4 12h8', 'M16 10l3-2v10'],
  'heading-2': ['M4 6v12', 'M12 6v12', 'M4 12h8', 'M16 10c.4-3 5-2.7 4.8.3C20.7 12.7 17 14.5 16 18h5'],
  'heading-3': ['M4 6v12', 'M12 6v12', 'M4 12h8', 'M16 8h5l-3 4c4 0 4.3 6 0 6-1.2 0-2-.5-2.4-1.3'],
  'bulleted-list': ['M9 6h11', 'M9 12h11', 'M9 18h11', 'M4.5 6v.1', 'M4.5 12v.1', 'M4.5 18v.1'],
  'numbered-list': [
    'M10 6h10',
    'M10 12h10',
    'M10 18h10',
    'M4 5l1.5-1v5',
    'M4 15.2c.3-1.7 2.9-1.5 2.8.1C6.7 16.8 4.5 17.5 4 19.5h3',
  ],
  quote: ['M5 5v14', 'M10 8h9', 'M10 12h9', 'M10 16h6'],
  link: [
    'M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1.5 1.5',
    'M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1.5-1.5',
  ],
} as const

export type IconName = keyof typeof paths

const svg = 'http://www.w3.org/2000/svg'

/** A 24 × 24 line drawing in the colour of the text around it; it says nothing to a screen reader. */
export function icon(name: IconName): SVGSVGElement {
  const drawing = document.createElementNS(svg, 'svg')
  drawing.setAttribute('viewBox', '0 0 24 24')
  drawing.setAttribute('class', `icon icon-${name}`)
  drawing.setAttribute('aria-hidden', 'true')
  drawing.setAttribute('focusable', 'false')
  for (const data of paths[name]) {
    const path = document.createElementNS(svg, 'path')
    path.setAttribute('d', data)
    drawing.append(path)
  }
  return drawing
}

/** Draws the icons that index.html only names (`data-icon`). */
export function drawNamedIcons(root: ParentNode): void {
  for (const place of root.querySelectorAll<HTMLElement>('[data-icon]')) {
    const name = place.dataset.icon ?? ''
    if (name in paths) place.replaceChildren(icon(name as IconName))
  }
}
