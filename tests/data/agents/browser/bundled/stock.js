// Bundled with page.js: the error of the page is thrown here.

export function sellOut(article) {
  const left = document.title.length - document.title.length

  if (left === 0) {
    throw new RangeError(`no ${article} left`)
  }
  return left
}
