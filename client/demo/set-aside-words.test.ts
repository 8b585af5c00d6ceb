import { compareDocs } from '@tidemark/client/set-aside'
import { describe, expect, it } from 'vitest'
import { Doc } from 'yjs'
import {
  comparisonWords,
  copyWords,
  deleteQuestion,
  discardQuestion,
  mergeQuestion,
  noticeOf,
} from './set-aside-words.ts'

const replaced = { reason: 'epoch-mismatch', at: 0, pendingCount: 1 } as const

describe('[R9.5] what the page says of a copy that was set aside', () => {
  it('where the copy is, what happened to it, and how much of it was never saved', () => {
    expect(noticeOf(replaced, true).text).toMatch(
      /kept on this device.*nothing of it was mixed in.*1 edit that was never/,
    )
    expect(noticeOf({ ...replaced, pendingCount: 0 }, true).text).not.toMatch(/never saved/)
    expect(noticeOf({ ...replaced, reason: 'discarded' }, true).title).toBe('Your changes were set aside.')
    expect(copyWords({ ...replaced, pendingCount: 2 }, () => 'today')).toEqual({
      when: 'today',
      why: 'the server’s copy was replaced; 2 edits that were never saved',
    })
  })

  it('[R2.3] no promise of a device that keeps nothing', () => {
    expect(noticeOf(replaced, false).text).toMatch(/in this page, until you close it/)
    expect(noticeOf({ ...replaced, reason: 'discarded' }, false).text).not.toMatch(/on this device/)
    expect(discardQuestion(3, false).text).not.toMatch(/on this device/)
  })

  it('what a merge does depends on whether the two have a history in common', () => {
    expect(mergeQuestion(false, '').text).toMatch(/both versions will stand in the text/)
    expect(mergeQuestion(true, '').text).not.toMatch(/both versions/)
  })

  it('what cannot be taken back says so, and what is kept says where', () => {
    expect(deleteQuestion(replaced).text).toMatch(/no way back.*1 edit that was never saved/)
    expect(discardQuestion(3, true).text).toMatch(/3 changes that are not saved.*set aside on this device/)
  })

  it('what the comparison found', () => {
    const [copy, document] = [new Doc(), new Doc()]
    expect(comparisonWords(compareDocs(copy, document))).toBe('The copy and the document are the same.')
    copy.getText('default').insert(0, 'a\nb')
    expect(comparisonWords(compareDocs(copy, document))).toBe('2 lines only in the copy, none only in the document.')
    document.getText('default').insert(0, 'a\nb')
    expect(comparisonWords(compareDocs(copy, document))).toBe('The copy and the document are the same.')
    document.getText('default').format(0, 1, { bold: true })
    expect(comparisonWords(compareDocs(copy, document))).toBe('The words are the same; only their format differs.')
  })
})
