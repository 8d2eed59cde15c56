// The page's own script: a click fetches, and then fails.
'use strict'

function sellOut(article) {
  throw new RangeError(`no ${article} left`)
}

document.querySelector('#buy').addEventListener('click', async () => {
  await fetch('/stock.json')
  setTimeout(() => sellOut('tea'), 100)
})
