import t from 'tap'
import { formatCpuList, parseCpuList } from '../../../src/app/pinning/cpu-list.ts'

t.test('lists of CPUs are read as the kernel writes them', async (t) => {
  t.same(parseCpuList('0-3,8,10-11\n'), [0, 1, 2, 3, 8, 10, 11])
  t.same(parseCpuList('5'), [5])
  t.same(parseCpuList('3,1,2-3'), [1, 2, 3])
  t.same(parseCpuList(''), [])
  for (const wrong of ['a', '3-1', '1-', '-1', '0-99999999', '1 2', '0-6:2/3'])
    t.equal(parseCpuList(wrong), null, wrong)
})

t.test('and written', async (t) => {
  t.equal(formatCpuList([8, 3, 0, 1, 2, 3]), '0-3,8')
  t.equal(formatCpuList([0, 2, 4]), '0,2,4')
  t.equal(formatCpuList([]), 'none')
})
