import { createApp } from './app.ts'
import { deviceMemory } from './device-memory.ts'
import { drawNamedIcons } from './icons.ts'
import { askAuthMode, rememberedAuthMode } from './server-info.ts'
import { keepShell } from './shell.ts'
import { drawTide } from './tide.ts'

const memory = deviceMemory()
drawNamedIcons(document)
drawTide(document.querySelector<SVGSVGElement>('#tide')!)

const app = createApp(memory)
addEventListener('popstate', () => app.follow())

// A page that has been here before opens from what it knows; only the first visit waits for the server's word.
const remembered = rememberedAuthMode(memory)
if (remembered) app.begin(remembered)
const asked = await askAuthMode(memory)
if (asked !== null && asked !== remembered) app.begin(asked)
else if (remembered === null) app.begin('open')

keepShell()
