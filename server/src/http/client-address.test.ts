import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { createClientAddress } from './client-address.ts'

const from = (trusted: string[], remoteAddress: string, forwarded?: string | string[]) =>
  createClientAddress(trusted)({
    socket: { remoteAddress } as Socket,
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded as string },
  })

test.each([
  { what: 'nobody is trusted', trusted: [], peer: '203.0.113.9', header: '198.51.100.1', expected: '203.0.113.9' },
  {
    what: 'another proxy is trusted',
    trusted: ['10.0.0.1'],
    peer: '10.0.0.2',
    header: '1.2.3.4',
    expected: '10.0.0.2',
  },
  { what: 'one proxy', trusted: ['10.0.0.1'], peer: '10.0.0.1', header: '198.51.100.1', expected: '198.51.100.1' },
  {
    what: 'a forged begin',
    trusted: ['10.0.0.1'],
    peer: '10.0.0.1',
    header: '9.9.9.9, 198.51.100.1',
    expected: '198.51.100.1',
  },
  {
    what: 'two proxies',
    trusted: ['10.0.0.0/8'],
    peer: '10.1.1.1',
    header: '9.9.9.9, 198.51.100.1, 10.0.0.7',
    expected: '198.51.100.1',
  },
  { what: 'nonsense', trusted: ['10.0.0.1'], peer: '10.0.0.1', header: '198.51.100.1, unknown', expected: '10.0.0.1' },
  {
    what: 'thousands of trusted proxies',
    trusted: ['10.0.0.0/8'],
    peer: '10.0.0.1',
    header: `198.51.100.1${',10.0.0.2'.repeat(1_000)}`,
    expected: '198.51.100.1',
  },
  { what: 'an empty header', trusted: ['10.0.0.1'], peer: '10.0.0.1', header: '', expected: '10.0.0.1' },
  { what: 'no header', trusted: ['10.0.0.1'], peer: '10.0.0.1', header: undefined, expected: '10.0.0.1' },
  { what: 'only proxies', trusted: ['10.0.0.0/8'], peer: '10.0.0.1', header: '10.0.0.2', expected: '10.0.0.2' },
  { what: 'a port', trusted: ['::1'], peer: '::1', header: '198.51.100.1:4711', expected: '198.51.100.1' },
  {
    what: 'IPv4 on an IPv6 socket',
    trusted: ['127.0.0.1'],
    peer: '::ffff:127.0.0.1',
    header: '198.51.100.1',
    expected: '198.51.100.1',
  },
  {
    what: 'IPv6: a network is one',
    trusted: [],
    peer: '2001:db8:0:7:1:2:3:4',
    header: undefined,
    expected: '2001:db8:0:7::/64',
  },
  { what: 'IPv6, shortened', trusted: [], peer: '2001:db8::4', header: undefined, expected: '2001:db8:0:0::/64' },
  {
    what: 'IPv6 in brackets',
    trusted: ['fd00::/8'],
    peer: 'fd00::1',
    header: '[2001:db8::4]:80',
    expected: '2001:db8:0:0::/64',
  },
])('[R6.22] $what: $expected', ({ trusted, peer, header, expected }) => {
  expect(from(trusted, peer, header)).toBe(expected)
})
