import { suiteWithBrowser } from '../../vitest.browser.ts'

export default suiteWithBrowser()
