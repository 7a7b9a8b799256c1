import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFailure } from '../../lib/failure.ts'
import { failsWith } from '../samples.ts'
import { readAddress } from './address.ts'
import { failureOf } from './trouble.ts'

test('an address is read, a driver’s name ignored, and its name holds no password', () => {
  const base = { host: 'db', port: 3306, user: 'u', password: 'p@ss', database: 'crypto_db' }
  for (const scheme of ['mysql', 'mariadb', 'mysql+aiomysql', 'mysql+pymysql'])
    assert.deepEqual(readAddress(`${scheme}://u:p%40ss@db/crypto_db`), {
      options: base,
      name: 'db:3306/crypto_db',
    })
  const v6 = readAddress('mysql://[::1]:3307/a?charset=utf8mb4')
  assert.deepEqual(v6.options, { host: '::1', port: 3307, user: '', password: '', database: 'a' })
  const safe = readAddress('mysql://u:p@db/a?ssl-mode=verify_identity').options.ssl
  assert.deepEqual(safe, { rejectUnauthorized: true, verifyIdentity: true })
})

test('an address that says too little, or something else, is refused without a word of its password', () => {
  const wrong = ['', 'db', 'postgres://u:s3cret@db/a', 'mysql://u:s3cret@db', 'mysql://u:s3cret@db/a/b', 'mysql:///a']
  for (const text of [...wrong, 'mysql://u:s3cret@db/a?ssl-mode=maybe']) {
    assert.throws(() => readAddress(text), failsWith('INVALID_SETTING'), text)
    assert.throws(() => readAddress(text), { message: /^((?!s3cret).)*$/ })
  }
})

test('what the server and the driver say becomes failures of ours', () => {
  const of = (fields: object) => failureOf(Object.assign(new Error('x'), fields), 'db:3306/a')
  const code = (fields: object) => {
    const error = of(fields)
    return isFailure(error) ? error.code : 'other'
  }
  assert.equal(code({ errno: 1213, code: 'ER_LOCK_DEADLOCK' }), 'STORE_UNAVAILABLE')
  assert.match(of({ errno: 1114, code: 'ER_RECORD_FILE_FULL' }).message, /disk is full/)
  for (const lost of ['ECONNREFUSED', 'EAI_AGAIN', 'ENOTFOUND', 'PROTOCOL_CONNECTION_LOST', 'ETIMEDOUT'])
    assert.equal(code({ code: lost, errno: -111 }), 'STORE_UNAVAILABLE')
  assert.equal(code({ message: 'Pool is closed.' }), 'STORE_UNAVAILABLE')
  assert.equal(code({ errno: 1406, code: 'ER_DATA_TOO_LONG' }), 'INVALID_PARAMETER')
  assert.equal(code({ errno: 1064, code: 'ER_PARSE_ERROR' }), 'other', 'a fault of ours is not called the server’s')
  assert.match(failureOf(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), 'a').message, /ECONNREFUSED/)
})
