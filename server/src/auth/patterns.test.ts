import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Level, levels } from './access.ts'
import { isPattern, levelFor } from './patterns.ts'

const segment = fc.constantFrom('a', 'b', 'team-7', 'plan', 'ü', '*')
const documentName = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'))
const pattern = fc.oneof(
  fc.constant('*'),
  documentName.filter(isPattern),
  documentName.map((name) => `${name}/*`).filter(isPattern),
)
const grants = fc.array(fc.tuple(pattern, fc.constantFrom<Level>(...levels))).map((entries) => new Map(entries))

/** What a pattern means, said in another way than the code says it. */
function matches(pattern: string, name: string): boolean {
  return pattern === name || (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1)))
}

/** How much of a name a pattern says. */
const fixedPart = (pattern: string) => pattern.replace(/\*$/, '')

describe('[S3] name patterns', () => {
  test('the longest matching pattern decides, and no match means no access', () => {
    fc.assert(
      fc.property(grants, documentName, (grants, name) => {
        const longest = [...grants.keys()]
          .filter((pattern) => matches(pattern, name))
          .sort((a, b) => fixedPart(b).length - fixedPart(a).length)[0]
        expect(levelFor(grants, name)).toBe(longest === undefined ? null : grants.get(longest))
      }),
    )
  })

  test('a grant says nothing about other documents', () => {
    fc.assert(
      fc.property(grants, pattern, documentName, (grants, added, name) => {
        fc.pre(!matches(added, name))
        expect(levelFor(new Map<string, Level>([...grants, [added, 'admin']]), name)).toBe(levelFor(grants, name))
      }),
    )
  })

  test('a folder is everything below it, and neither itself nor its namesakes', () => {
    const grants = new Map<string, Level>([['team-7/*', 'write']])
    expect(levelFor(grants, 'team-7/plan')).toBe('write')
    expect(levelFor(grants, 'team-7/plan/draft')).toBe('write')
    for (const name of ['team-7', 'team-77/plan', 'x/team-7/plan', 'team-7x']) expect(levelFor(grants, name)).toBeNull()
  })

  test('a narrow grant limits a wide one', () => {
    const grants = new Map<string, Level>([
      ['*', 'admin'],
      ['team-7/*', 'write'],
      ['team-7/rules', 'read'],
    ])
    expect(levelFor(grants, 'team-7/rules')).toBe('read')
    expect(levelFor(grants, 'team-7/plan')).toBe('write')
    expect(levelFor(grants, 'elsewhere')).toBe('admin')
  })

  test.each([
    '',
    '**',
    'team*',
    '*/plan',
    'a/*/b',
    '/*',
    'a//*',
    '../*',
    'a/../*',
    '/a',
    'a/',
    ' a',
    'a\0',
    'x'.repeat(600),
  ])('%j is no pattern', (text) => expect(isPattern(text)).toBe(false))

  test.each(['*', 'plan', 'team-7/plan', 'team-7/*', 'a/b/c/*', 'größe/*'])('%j is a pattern', (text) =>
    expect(isPattern(text)).toBe(true),
  )
})
