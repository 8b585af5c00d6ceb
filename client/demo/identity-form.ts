import { byId, element } from './dom.ts'
import type { Identity } from './identity.ts'
import { paint, personColors } from './person.ts'

/** The form in the people panel where one changes one's own name and colour; `onChange` hears each change at once. */
export function createIdentityForm(
  identity: Identity,
  onChange: (change: Partial<Pick<Identity, 'name' | 'color'>>) => Identity,
): { show(identity: Identity): void } {
  const name = byId('my-name', HTMLInputElement)
  const colors = byId('my-color', HTMLFieldSetElement)

  for (const color of personColors) {
    const choice = element('input', { type: 'radio', name: 'color', value: color.value, 'aria-label': color.name })
    const swatch = element('label', { class: 'swatch', title: color.name }, choice, element('span', {}))
    paint(swatch, color.value)
    colors.append(swatch)
  }
  const show = (shown: Identity) => {
    if (document.activeElement !== name) name.value = shown.name
    for (const choice of colors.querySelectorAll('input')) choice.checked = choice.value === shown.color
  }

  colors.addEventListener('change', (event) => {
    if (event.target instanceof HTMLInputElement) onChange({ color: event.target.value })
  })
  name.addEventListener('input', () => {
    if (name.value.trim() !== '') onChange({ name: name.value })
  })
  // an emptied field goes back to the name there was
  name.addEventListener('change', () => {
    name.value = onChange({ name: name.value }).name
  })
  byId('identity-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    byId('people-panel', HTMLElement).hidePopover()
  })
  show(identity)
  return { show }
}
