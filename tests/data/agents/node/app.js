// A small Express app under the real Node.js agent; the agent is set up by ELASTIC_APM_ variables, the port is the argument.
'use strict'

const apm = require('elastic-apm-node').start()
const express = require('express')

const app = express()

app.get('/ok', (request, response) => response.send('ok'))

app.get('/span/:number', (request, response) => {
  apm.addLabels({ number: Number(request.params.number), place: 'here' }, false)
  const span = apm.startSpan('reckon', 'app')
  setTimeout(() => {
    span.end()
    response.send(request.params.number)
  }, 5)
})

app.get('/raise', () => {
  throw new TypeError('raised on purpose')
})

app.listen(Number(process.argv[2]), '127.0.0.1')
