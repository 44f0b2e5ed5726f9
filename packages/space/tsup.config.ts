import { library } from '../../tsup.base.ts'

export default library(['index', 'node', 'browser', 'testing'])
