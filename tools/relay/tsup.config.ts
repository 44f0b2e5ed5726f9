import { program } from '../../tsup.base.ts'

export default program(['main'])
