import { createApp } from 'vue'
import './styles/index.css'
import { connectToServer } from './live/connect.ts'
import MarketPage from './views/MarketPage.vue'

const { client, rest } = connectToServer(location)
createApp(MarketPage, { client, rest }).mount('#app')
