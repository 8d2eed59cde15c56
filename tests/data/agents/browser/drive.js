// Drives a real Chromium through a page under the RUM agent: loads it, clicks, and stays until standard input ends.
// Arguments: the browser, the page's address, how the addresses of the intake end.
// Prints what becomes of the agent's requests, one JSON object a line.
'use strict'

const { chromium } = require('playwright-core')

async function main([executablePath, page_url, intake]) {
  const ended = new Promise(resolve => process.stdin.on('end', resolve).resume())
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync']
  })
  try {
    const page = await browser.newPage()
    let say
    const first = new Promise(resolve => {
      say = outcome => {
        console.log(JSON.stringify(outcome))
        resolve()
      }
    })
    page.on('response', response => {
      const request = response.request()
      if (request.url().endsWith(intake) && request.method() === 'POST') say({ status: response.status() })
    })
    page.on('requestfailed', request => {
      if (request.url().endsWith(intake)) say({ failed: request.failure().errorText })
    })
    await page.goto(page_url, { waitUntil: 'load' })
    await Promise.race([first, ended]) // the page load has been told: the click is a transaction of its own
    await page.click('#buy')
    await ended
  } finally {
    await browser.close()
  }
}

main(process.argv.slice(2)).catch(error => {
  console.error(error)
  process.exit(1)
})
