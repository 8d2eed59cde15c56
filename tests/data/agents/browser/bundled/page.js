// A page's own script as a bundler finds it; see stock.js.

import { sellOut } from './stock.js'

document.querySelector('#buy').addEventListener('click', async function buyTea() {
  await fetch('/stock.json')
  setTimeout(() => {
    const left = sellOut('tea')
    console.log(left)
  }, 100)
})
