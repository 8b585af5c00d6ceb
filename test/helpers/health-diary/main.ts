import { indicatorOf, type TidemarkError } from '@tidemark/client'
import type { DomEventDetails } from '@tidemark/client/store'
import { Diary } from './diary.ts'

const people = ['anna', 'bert']
const settings = new URLSearchParams(location.search)
const server = settings.get('server') ?? ''
const today = new Date().toISOString().slice(0, 10)

const part = <Kind extends HTMLElement>(name: string) => document.querySelector<Kind>(`[data-testid="${name}"]`)!

function open(person: string): Diary {
  const diary = new Diary(person, server)
  const { store } = diary
  window.diary = diary
  part<HTMLSelectElement>('person').value = person
  const input = (form: string) => part<HTMLFormElement>(form).elements[0] as HTMLInputElement
  const show = () => {
    const { name = '' } = (store.get('profile') ?? {}) as { name?: string }
    input('profile').value = name
    input('day').value = String(store.get(`weight/${today}`) ?? '')
    part('entries').replaceChildren(
      ...store.entries().map(([key, value]) => {
        const item = document.createElement('li')
        item.textContent = `${key}: ${JSON.stringify(value)}`
        return item
      }),
    )
  }
  store.watch('*', show)
  void store.whenLoaded.then(show)
  const indicate = () => {
    const { tone, label, detail } = indicatorOf(diary.document.status)
    const indicator = part('indicator')
    indicator.dataset.tone = tone
    indicator.textContent = label
    indicator.title = detail
  }
  diary.document.on('status', indicate)
  indicate()
  part('pending').textContent = String(diary.document.pendingCount)
  part('diary').hidden = false
  return diary
}

let diary = open(settings.get('person') ?? people[0]!)

// ——— what the app did before it changed its import: keys, and three events on window ———

part<HTMLFormElement>('profile').addEventListener('submit', (event) => {
  event.preventDefault()
  const name = String(new FormData(event.target as HTMLFormElement).get('name'))
  save('profile', { name })
})

part<HTMLFormElement>('day').addEventListener('submit', (event) => {
  event.preventDefault()
  const weight = String(new FormData(event.target as HTMLFormElement).get('weight'))
  save(`weight/${today}`, Number(weight))
})

function save(key: string, value: unknown): void {
  try {
    diary.store.set(key, value)
  } catch {
    // the person is told by `heys:sync-error`, as of every other failure
  }
}

const heard = <Name extends keyof DomEventDetails>(name: Name, listener: (detail: DomEventDetails[Name]) => void) =>
  window.addEventListener(`heys:${name}`, (event) => listener((event as CustomEvent<DomEventDetails[Name]>).detail))

heard('pending-change', ({ pendingCount }) => {
  part('pending').textContent = String(pendingCount)
})
heard('queue-drained', () => {
  part('pending').textContent = '0'
})
heard('sync-error', ({ error, persistent }) => {
  if (persistent) toast(error)
})

function toast({ code, message }: TidemarkError): void {
  const shown = [...part('toasts').children].find((one) => (one as HTMLElement).dataset.code === code)
  const one = (shown ?? document.createElement('p')) as HTMLElement
  one.className = 'toast'
  one.dataset.code = code
  one.textContent = message
  part('toasts').append(one)
}

// ——— the curator goes from one client to the next ———

const choice = part<HTMLSelectElement>('person')
choice.append(...people.map((person) => new Option(person)))
choice.value = diary.person
choice.addEventListener('change', async () => {
  // from here on nothing on the page may be taken for the next one's: neither the entries nor "Saved"
  part('diary').hidden = true
  part('entries').replaceChildren()
  part('indicator').textContent = 'Opening…'
  await diary.leave()
  diary = open(choice.value)
})

// ——— signing out ———

const leftovers = part<HTMLDialogElement>('leftovers')

part('sign-out').addEventListener('click', async () => {
  const { drained, remaining } = await diary.signOut()
  part('diary').hidden = true
  if (drained) {
    part('indicator').textContent = 'Signed out'
    return
  }
  const count = remaining.reduce((sum, { pendingCount }) => sum + pendingCount, 0)
  leftovers.querySelector('p')!.textContent = `${count} changes of ${diary.person} are not on the server yet.`
  leftovers.showModal()
})

leftovers.addEventListener('click', async (event) => {
  const { value } = event.target as HTMLButtonElement
  if (value === 'delete') await diary.deleteLeftovers()
  if (!value) return
  leftovers.close()
  part('indicator').textContent = 'Signed out'
})

declare global {
  interface Window {
    /** For the tests. */
    diary: Diary
  }
}
